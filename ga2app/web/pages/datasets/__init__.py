"""Second screen: data sets and how clips get into them."""
