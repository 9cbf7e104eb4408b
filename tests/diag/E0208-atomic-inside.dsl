kernel k(in i32 B[N], out i32 H[256] = 0, out i32 Y[N]) {
    grid (i in N) Y[i] = B[i] > 0 ? atomic_add(H[B[i]], 1) : 0;
}
