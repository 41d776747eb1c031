module celeriac.dev/bench

go 1.22

require github.com/RichardKnop/machinery/v2 v2.0.16
