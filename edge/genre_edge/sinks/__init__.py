"""Where records go. A sink takes records one by one and writes them somewhere."""
