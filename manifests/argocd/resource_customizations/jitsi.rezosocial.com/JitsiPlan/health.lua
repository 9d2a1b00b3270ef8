return { status = "Healthy", message = "It counts as soon as it is there" }
