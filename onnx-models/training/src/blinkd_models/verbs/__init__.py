"""One file per verb of the command line: ``add`` describes the arguments, ``run`` does it and returns the exit code."""
