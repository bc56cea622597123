(** Class probabilities p = exp z / sum exp z: their derivatives along a line, and their moments.

    The book compares moments with the range of a vector. Here what is compared are inner products: v_k less its mean
    is the inner product of e_k - p with v, and e_k - p is at most sqrt 2 long. *)

From Coq Require Import Reals Lra Psatz.
From Coq Require Fin.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors Calculus LinearAlgebra.
Close Scope matrix_scope.
Open Scope R_scope.

Section Classes.
Context {n : nat}.
Implicit Types z u v : vector n.

Definition mass_of z := total (fun k => exp (z k)).
Definition share z : vector n := fun k => exp (z k) / mass_of z.
Definition mean z v := inner (share z) v.
Definition covariance z v u := total (fun k => share z k * (v k - mean z v) * u k).

Lemma mass_positive z (k : Fin.t n) : 0 < mass_of z.
Proof.
  unfold mass_of. assert (0 < exp (z k)) by apply exp_pos.
  pose proof (total_term (fun j => exp (z j)) k (fun j => Rlt_le _ _ (exp_pos _))) as one. simpl in one. lra.
Qed.

Lemma share_positive z k : 0 < share z k.
Proof. apply Rdiv_lt_0_compat; [apply exp_pos | now apply mass_positive]. Qed.

Lemma total_share z (k : Fin.t n) : total (share z) = 1.
Proof.
  pose proof (mass_positive z k). unfold share. rewrite (total_ext _ (fun j => / mass_of z * exp (z j))) by (intros j; unfold Rdiv; apply Rmult_comm).
  rewrite total_scale. fold (mass_of z). field. lra.
Qed.

Lemma share_at_most_one z k : share z k <= 1.
Proof. rewrite <- (total_share z k). apply total_term. intros j. apply Rlt_le, share_positive. Qed.

(** The derivative of a sum is the sum of the derivatives. *)
Lemma derivative_of_total {m} (f : Fin.t m -> R -> R) (d : Fin.t m -> R) t : (forall k, is_derive (f k) t (d k)) ->
  is_derive (fun s => total (fun k => f k s)) t (total d).
Proof.
  induction m as [|m IH]; intros each; simpl.
  - apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).
  - apply (is_derive_plus (K := R_AbsRing) (V := R_NormedModule)); [apply each | now apply (IH (fun k => f (Fin.FS k)))].
Qed.

Lemma exp_along z v t k : is_derive (fun s => exp ((z + s * v)%V k)) t (exp ((z + t * v)%V k) * v k).
Proof. unfold add, scale. auto_derive; [easy | ring]. Qed.

Lemma mass_along z v t (y : Fin.t n) : is_derive (fun s => mass_of (z + s * v)%V) t (mass_of (z + t * v)%V * mean (z + t * v)%V v).
Proof.
  set (w := (z + t * v)%V). pose proof (mass_positive w y).
  replace (mass_of w * mean w v) with (total (fun k => exp (w k) * v k)).
  - apply derivative_of_total. intros k. apply exp_along.
  - unfold mean, inner. rewrite <- total_scale. apply total_ext. intros k. unfold share. field. lra.
Qed.

Lemma share_along z v t k : is_derive (fun s => share (z + s * v)%V k) t (share (z + t * v)%V k * (v k - mean (z + t * v)%V v)).
Proof.
  set (w := (z + t * v)%V). pose proof (mass_positive w k).
  replace (share w k * (v k - mean w v)) with ((exp (w k) * v k * mass_of w - exp (w k) * (mass_of w * mean w v)) / (mass_of w ^ 2))
    by (unfold share; field; lra).
  apply (is_derive_div (fun s => exp ((z + s * v)%V k)) (fun s => mass_of (z + s * v)%V));
    [apply exp_along | now apply mass_along | apply Rgt_not_eq; assumption].
Qed.

Lemma mean_along z v u t : is_derive (fun s => inner (share (z + s * v)%V) u) t (covariance (z + t * v)%V v u).
Proof.
  unfold inner, covariance. apply derivative_of_total. intros k.
  apply is_derive_ext with (fun s => u k * share (z + s * v)%V k); [intros s; apply Rmult_comm|].
  rewrite Rmult_comm. apply is_derive_scal, share_along.
Qed.

(** e_k - p is at most sqrt 2 long. *)
Lemma miss_square z (y : Fin.t n) : inner (share z - equal y)%V (share z - equal y)%V <= 2.
Proof.
  assert (bound : inner (share z - equal y)%V (share z - equal y)%V <= total (fun k => share z k + equal y k * (1 - 2 * share z k))).
  { apply total_le. intros k. unfold sub. pose proof (share_positive z k). pose proof (share_at_most_one z k).
    unfold equal. destruct (Fin.eq_dec y k); nra. }
  rewrite total_plus, (total_pick (fun k => 1 - 2 * share z k)), (total_share z y) in bound. pose proof (share_positive z y). lra.
Qed.

Lemma miss_norm z y : norm (share z - equal y)%V <= sqrt 2.
Proof. apply sqrt_le_1_alt, miss_square. Qed.

Lemma deviation z v k : Rabs (v k - mean z v) <= sqrt 2 * norm v.
Proof.
  replace (v k - mean z v) with (- inner (share z - equal k)%V v).
  - rewrite Rabs_Ropp. eapply Rle_trans; [apply cauchy_schwarz_abs|]. apply Rmult_le_compat_r; [apply norm_nonnegative | apply miss_norm].
  - rewrite inner_sub. unfold mean. replace (inner (equal k) v) with (v k) by (symmetry; apply total_pick). ring.
Qed.

Lemma total_deviation z v (y : Fin.t n) : total (fun k => share z k * (v k - mean z v)) = 0.
Proof.
  rewrite (total_ext _ (fun k => share z k * v k - mean z v * share z k)) by (intros k; ring).
  rewrite total_minus, total_scale, (total_share z y). unfold mean, inner. ring.
Qed.

(** The covariance is symmetric: a sum of products of deviations. *)
Lemma covariance_centred z v u (y : Fin.t n) : covariance z v u = total (fun k => share z k * (v k - mean z v) * (u k - mean z u)).
Proof.
  transitivity (covariance z v u - mean z u * total (fun k => share z k * (v k - mean z v))); [rewrite (total_deviation z v y); ring|].
  unfold covariance. rewrite <- total_scale, <- total_minus. apply total_ext. intros k. ring.
Qed.

Lemma variance_centred z v : covariance z v v = total (fun k => share z k * (v k * v k)) - mean z v * mean z v.
Proof.
  unfold covariance. rewrite (total_ext _ (fun k => share z k * (v k * v k) - mean z v * (share z k * v k))) by (intros k; ring).
  rewrite total_minus, total_scale. reflexivity.
Qed.

(** Var <= 2 sum p (1 - p) v^2 <= |v|^2/2, because sum p_i p_j (v_i + v_j)^2 is at least its diagonal. *)
Lemma variance_bound z v (y : Fin.t n) : covariance z v v <= norm v * norm v / 2.
Proof.
  rewrite (variance_centred z v), norm_square. set (p := share z). set (mu := mean z v).
  assert (double : total (fun i => total (fun j => p i * p j * ((v i + v j) * (v i + v j)))) = 2 * total (fun k => p k * (v k * v k)) + 2 * (mu * mu)).
  { transitivity (total (fun i => p i * (v i * v i) + (total (fun k => p k * (v k * v k)) * p i + 2 * mu * (p i * v i)))).
    - apply total_ext. intros i. transitivity (total (fun j => p i * (v i * v i) * p j + (p i * (p j * (v j * v j)) + 2 * (p i * v i) * (p j * v j)))).
      + apply total_ext. intros j. ring.
      + rewrite !total_plus, !total_scale. unfold p at 2. rewrite (total_share z y). change (total (fun j => p j * v j)) with mu. ring.
    - rewrite !total_plus, !total_scale. unfold p at 3. rewrite (total_share z y). change (total (fun j => p j * v j)) with mu. ring. }
  assert (diagonal : total (fun i => 4 * (p i * p i * (v i * v i))) <= total (fun i => total (fun j => p i * p j * ((v i + v j) * (v i + v j))))).
  { apply total_le. intros i. replace (4 * (p i * p i * (v i * v i))) with (p i * p i * ((v i + v i) * (v i + v i))) by ring.
    apply (total_term (fun j => p i * p j * ((v i + v j) * (v i + v j)))). intros j.
    pose proof (share_positive z i : 0 < p i). pose proof (share_positive z j : 0 < p j). apply Rmult_le_pos; [apply Rmult_le_pos; lra | apply Rle_0_sqr]. }
  assert (quarter : total (fun i => 2 * (p i * (v i * v i)) - 2 * (p i * p i * (v i * v i))) <= inner v v / 2).
  { replace (inner v v / 2) with (/ 2 * inner v v) by field. unfold inner. rewrite <- total_scale. apply total_le. intros i.
    pose proof (Rle_0_sqr ((2 * p i - 1) * v i)) as square. unfold Rsqr in square. lra. }
  rewrite total_minus, !total_scale in quarter. rewrite total_scale in diagonal. lra.
Qed.

Lemma covariance_bound z v u (y : Fin.t n) : covariance z v u <= / 2 * norm v * norm u.
Proof.
  pose (a := (fun k => sqrt (share z k) * (v k - mean z v)) : vector n).
  pose (b := (fun k => sqrt (share z k) * (u k - mean z u)) : vector n).
  assert (weights : forall r s k, sqrt (share z k) * r * (sqrt (share z k) * s) = share z k * r * s).
  { intros r s k. pose proof (share_positive z k). transitivity (sqrt (share z k) * sqrt (share z k) * r * s); [ring|]. now rewrite sqrt_sqrt by lra. }
  assert (long : forall w : vector n, norm (fun k => sqrt (share z k) * (w k - mean z w)) <= norm w / sqrt 2).
  { intros w. assert (root : 0 < sqrt 2) by (apply sqrt_lt_R0; lra). pose proof (norm_nonnegative w).
    apply norm_le_of_square; [apply Rmult_le_pos; [assumption | apply Rlt_le; now apply Rinv_0_lt_compat]|].
    replace (norm w / sqrt 2 * (norm w / sqrt 2)) with (norm w * norm w / (sqrt 2 * sqrt 2)) by (field; lra). rewrite sqrt_sqrt by lra.
    eapply Rle_trans; [|apply (variance_bound z w y)]. rewrite (covariance_centred z w w y). apply Req_le, total_ext. intros k. apply weights. }
  replace (covariance z v u) with (inner a b).
  - apply Rle_trans with (norm a * norm b); [apply cauchy_schwarz|].
    assert (root : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
    replace (/ 2 * norm v * norm u) with (norm v / sqrt 2 * (norm u / sqrt 2)).
    + apply Rmult_le_compat; [apply norm_nonnegative | apply norm_nonnegative | apply long | apply long].
    + transitivity (norm v * norm u / (sqrt 2 * sqrt 2)); [field; lra|]. rewrite sqrt_sqrt by lra. field.
  - rewrite (covariance_centred z v u y). apply total_ext. intros k. apply weights.
Qed.

(** The probabilities are Lipschitz in the scores with constant 1/2. *)
Lemma share_lipschitz z v (y : Fin.t n) : norm (share (z + v) - share z)%V <= / 2 * norm v.
Proof.
  pose proof (norm_nonnegative v). apply norm_le_dual; [lra|]. intros u.
  assert (drop : inner (share (z + 1 * v)%V) u - 1 * (/ 2 * norm v * norm u) <= inner (share (z + 0 * v)%V) u - 0 * (/ 2 * norm v * norm u)).
  { apply (falls (fun t => inner (share (z + t * v)%V) u - t * (/ 2 * norm v * norm u)) (fun t => covariance (z + t * v)%V v u - / 2 * norm v * norm u)).
    - intros t. apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)); [apply mean_along|]. auto_derive; [easy | ring].
    - intros t _. pose proof (covariance_bound (z + t * v)%V v u y). lra. }
  rewrite at_one, at_zero in drop. rewrite inner_sub. lra.
Qed.

(** The derivative of the variance along v is the mean of (u - mean u)^2 (v - mean v). *)
Lemma variance_along z v u (y : Fin.t n) t : is_derive (fun s => covariance (z + s * v)%V u u) t
  (total (fun k => share (z + t * v)%V k * (v k - mean (z + t * v)%V v) * ((u k - mean (z + t * v)%V u) * (u k - mean (z + t * v)%V u)))).
Proof.
  set (w := (z + t * v)%V).
  apply is_derive_ext with (fun s => inner (share (z + s * v)%V) (fun k => u k * u k) - inner (share (z + s * v)%V) u * inner (share (z + s * v)%V) u).
  { intros s. symmetry. apply (variance_centred (z + s * v)%V u). }
  replace (total _) with (covariance w v (fun k => u k * u k) - (covariance w v u * mean w u + mean w u * covariance w v u)).
  - apply (is_derive_minus (K := R_AbsRing) (V := R_NormedModule)); [apply mean_along|].
    apply (is_derive_mult (fun s => inner (share (z + s * v)%V) u) (fun s => inner (share (z + s * v)%V) u)); try apply mean_along.
    intros a b. apply Rmult_comm.
  - transitivity (covariance w v (fun k => u k * u k) - 2 * mean w u * covariance w v u
      + mean w u * mean w u * total (fun k => share w k * (v k - mean w v))).
    + rewrite (total_deviation w v y). ring.
    + unfold covariance. rewrite <- !total_scale, <- total_minus, <- total_plus. apply total_ext. intros k. ring.
Qed.
End Classes.
