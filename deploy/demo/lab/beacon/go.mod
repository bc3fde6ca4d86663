module tidewaiter.example/beacon

go 1.22.0
