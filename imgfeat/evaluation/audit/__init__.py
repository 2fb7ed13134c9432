"""What is wrong with the images: bad files, duplicates, wrong labels; what to label."""
