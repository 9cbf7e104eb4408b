// Every function of std/ is used once.
import "std/nn";
import "std/math" as m;
import "std/fft" as transform;

kernel activations<T: float>(in T X[N], out T Y[N, 10])
{
    grid (i in N) {
        let x = X[i];
        Y[i, 0] = nn.relu(x);
        Y[i, 1] = nn.leaky_relu(x, 0.1);
        Y[i, 2] = nn.elu(x, 1);
        Y[i, 3] = nn.silu(x);
        Y[i, 4] = nn.mish(x);
        Y[i, 5] = nn.gelu(x);
        Y[i, 6] = nn.gelu_tanh(x);
        Y[i, 7] = nn.hard_sigmoid(x);
        Y[i, 8] = nn.hard_swish(x);
        Y[i, 9] = m.logit(m.normal_cdf(x)) + m.normal_pdf(x);
    }
}

kernel rows<T: float>(in T X[M, N], in T W[N], in T B[N], out T Y[M, N, 5], out wide(T) S[M, 2])
{
    grid (i in M) {
        axis j in N;
        let x = X[i, j];
        Y[i, j, 0] = nn.softmax(x, j);
        Y[i, j, 1] = nn.log_softmax(x, j);
        Y[i, j, 2] = T(nn.normalize(x, j));
        Y[i, j, 3] = nn.layer_norm(x, W[j], B[j], j);
        Y[i, j, 4] = nn.rms_norm(x, W[j], j, eps = 0.00001);
        S[i, 0] = nn.logsumexp(x, j);
        S[i, 1] = m.variance(x, j);
    }
}

kernel small<T: f32 | f64>(in T X[N], in T Y[N], out T Z[N])
{
    grid (i in N) {
        let a = m.hypot(X[i], Y[i]), b = m.lerp(X[i], Y[i], 0.5);
        Z[i] = m.square(a) + m.cube(b) + m.degrees(m.radians(a)) * T(m.PI);
    }
}

kernel fft_rows(in c32 X[B, N], out c32 Y[B, N], out c32 Z[B, N])
{
    grid (each b in B) {
        axis n in N;
        Y[b, n] = transform.fft(X[b, n], n);
        Z[b, n] = transform.ifft(X[b, n], n);
    }
}

kernel fft_const_rows(in c32 X[B, const N], out c32 Y[B, N])
{
    grid (b in B) {
        axis n in N;
        Y[b, n] = transform.fft_const(X[b, n], n, N);
    }
}
