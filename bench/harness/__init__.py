"""What bench/run and bench/guard are made of; bench/README.md has the map."""
