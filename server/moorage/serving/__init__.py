"""Processes and sockets: how requests reach the application and how answers leave.

waitress parses HTTP and runs WSGI; this room gives it what a registry needs besides: an event
loop that costs the same with ten connections and with a thousand, bodies that go straight into
the spool, files sent by the kernel, processes that are restarted, and a stop that loses nothing.

    serve       the way in
    supervisor  forks, restarts, drains; roles: which processes, on which sockets
      process   one child: builds the application and runs a server, or does the background work
        server  accepts connections, watches them, drains
          channel   one connection: parser -> task -> answer
          workers   the threads that run the application
          carriers  the threads that move bulk bytes between sockets and files
"""
