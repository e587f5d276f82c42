//! Sockets of the address families that current kernels no longer carry (IPX, AX.25, X.25, NET/ROM, ROSE).
