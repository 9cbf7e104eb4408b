fn pair(f32 a) -> (f32, f32, f32) = (a, a, a);
kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        let (a, b) = pair(X[i]);
        Y[i] = a + b;
    }
}
