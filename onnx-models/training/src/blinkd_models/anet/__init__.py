"""ANNA-PALM: super-resolution pictures from sparse localizations, after Ouyang et al., Nat. Biotechnol. 36, 460 (2018).

``structures`` are perfect pictures, ``pairs`` what a microscope sees of them, ``network`` learns the way back.
Written from the paper's equations.
"""
