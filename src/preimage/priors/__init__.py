r"""The natural-image prior R of Equation 1 (section 3.2).

- `bounded_range` bounds the range: R_alpha of Eq. 5, and `project`, the hard bound of Eq. 6.
- `total_variation` bounds the variation: R_TV^beta of section 3.2.2.
- `opponent_variation` bounds the variation of luminance and chroma, `function` does whatever a
  user's own function does; each stands in place of R_TV^beta.

The third part, the random shift of Eq. 7, is in `views`. `Prior` returns R_alpha and one of the
others with their gradient, as the solvers need them. All functions take images (N, D, H, W) in the
core's units; their values (N,) are one number for each image.
"""

from preimage.priors.bounded_range import alpha_norm, project, project_
from preimage.priors.prior import Prior, find_prior
from preimage.priors.total_variation import total_variation

__all__ = ["Prior", "alpha_norm", "find_prior", "project", "project_", "total_variation"]
