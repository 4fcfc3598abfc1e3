"""What a page says to the person in front of it: the three steps, the next sensible act, and notices."""
