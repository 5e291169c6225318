"""What measures us against the limit, the plain way and the peers."""
