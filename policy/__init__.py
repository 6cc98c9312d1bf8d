"""The policy pack: what no deployment of this project may be, judged by Pulumi's own engine."""
