kernel histogram(in u8 X[N], out i32 H[256])
{
    grid (i in N) {
        axis b in 256;
        atomic H[b] += histogram(X[i], i, b);
    }
}
