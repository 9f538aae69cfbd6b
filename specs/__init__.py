"""What ships: sources, tasks and specs, one YAML file each."""
