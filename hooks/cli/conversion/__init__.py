"""What `buildless convert` does with the text of a file: comments, quotes and the order of keys stay."""
