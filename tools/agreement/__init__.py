"""What `tools/make_agreement.py` is made of: the files of each family, the judges, the arguments and the page."""
