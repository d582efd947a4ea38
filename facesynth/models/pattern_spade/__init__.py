"""SPADE in training, computed once for each pattern of labels in place of each pixel: the same numbers and gradients.

γ and β at a pixel depend on the 5×5 labels around it alone. Label maps are piecewise constant, so that a batch has far
fewer such patterns than pixels (5 % at 256×256, 13 % at 128×128): the two convolutions become products over patterns,
whose rows are then looked up pixel by pixel, and whose gradients are summed up over the pixels that looked them up.
"""
