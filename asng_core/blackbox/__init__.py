"""What makes ASNG an optimizer of expensive black boxes, one mechanism per file."""
