# Nothing here calls the balloon's driver: it is linked because it is named.
DRIVERS := balloon
