"""The numbers of a release: each module turns a wave into what one metric says of every group. Pure."""
