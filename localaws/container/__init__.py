"""What runs inside a job's process: files on their own, which import nothing of localaws."""
