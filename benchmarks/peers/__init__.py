"""The peers: the same dynamics by the libraries that people use for it, each as fast as it goes."""
