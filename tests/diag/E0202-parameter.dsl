kernel k(in f32 X[N], out f32 Y[N], float alpha) {
    grid (i in N) Y[i] = X[i] * alpha;
}
