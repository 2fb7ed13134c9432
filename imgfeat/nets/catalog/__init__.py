"""Which nets and weights there are, and how one is had and built."""
