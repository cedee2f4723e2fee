"""Satisfaction versus engagement, as a service.

The models of SCIM are loaded first: they read docstrings in their source, and to find it, each walks
over every module that is loaded by then.
"""

import scim2_models  # noqa: F401
