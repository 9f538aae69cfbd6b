"""Everything that touches the world: readers, runs, emitters, the command."""
