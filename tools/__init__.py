"""The programs that a machine may lack."""
