package strict

const noWait = 0
