"""What can be asked of the daemon, one function a question; what touches a host goes through the pipeline."""
