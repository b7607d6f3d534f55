"""What makes ASNG an optimizer of expensive black boxes, one mechanism per file.

`noise_free` and `under_noise` are the two algorithms; `minimizer` shows them by ask and tell. A constant for which no
source is given was chosen on the public tables of `benchmarks.tables`, never on those left out.
"""
