"""What a run leaves behind: its record, its evidence for programs and for people, its verdict."""
