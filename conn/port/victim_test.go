package port_test

const victimDir = "GATEWATCH_TEST_PORT_VICTIM"

func victim(string) {}
