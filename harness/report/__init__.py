"""Results → intervals, tables and files for people."""
