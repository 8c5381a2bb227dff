DRIVERS := console
