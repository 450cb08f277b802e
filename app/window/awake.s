// Go accepts a function without a body only beside a file like this one.
