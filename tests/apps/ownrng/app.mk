DRIVERS := entropy
