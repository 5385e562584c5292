-- How many rows a value of each index has, so that statements take the index that narrows most.
@statistics@
