"""A SPADE generator for painting alone: exactly what the textbook layers compute, once for each pattern of labels.

γ and β at a pixel are two stacked 3×3 convolutions of the label map, so that they depend on the 5×5 labels around it
and on nothing else. A label map is piecewise constant: of 65,536 such neighbourhoods in a real one some 3,500 are
distinct, and some 700 of the 3×3 ones. Here they are computed for those, and looked up for each pixel.
"""
