"""What each operation takes and answers: one file a tag, each with a table `OPERATIONS`."""
