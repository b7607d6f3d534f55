"""`Minimizer` as a strategy of other tuners, a file each, which import the tuner where it is used."""
