"""What networks that were trained on ImageNet expect their pictures to be normalised by, in 0..1 and RGB."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
