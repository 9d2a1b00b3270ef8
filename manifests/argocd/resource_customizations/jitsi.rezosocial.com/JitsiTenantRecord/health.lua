return { status = "Healthy", message = "It is kept" }
