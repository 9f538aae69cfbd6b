"""What the makers of made-up sources share: writing files, dealing out figures, texts, boxes, headers of pictures, the world."""
