import "std/nn";
kernel k(in f32 X[N], out f32 Y[N]) {
    grid (i in N) Y[i] = gelu(X[i]);
}
