"""The commands of the app, a file each."""
