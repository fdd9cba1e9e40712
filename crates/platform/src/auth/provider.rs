//! The signature of tokens: Ed25519 (RFC 8032) and nothing else, by the crate that the keys come from.
//!
//! The token crate leaves the mathematics to a provider. Its ready-made one brings RSA, ECDSA and HMAC along;
//! this one cannot even be asked for them.

use ed25519_dalek::{Signature, SignatureError, Signer, SigningKey, Verifier, VerifyingKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, new_error};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};

/// Makes Ed25519 the process's provider, once; later calls find it in place.
pub(super) fn install() {
    // The only error is that a provider is there already, and this is the only place that sets one.
    let _ = PROVIDER.install_default();
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory,
    verifier_factory,
    // Key sets are written and read by the token module itself.
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

fn unsupported() -> Error {
    new_error(ErrorKind::UnsupportedAlgorithm)
}

/// The `content` of an Ed25519 key: exactly 32 bytes.
fn key_bytes(algorithm: Algorithm, family: AlgorithmFamily, content: &[u8]) -> Result<&[u8; 32], Error> {
    if algorithm != Algorithm::EdDSA || family != AlgorithmFamily::Ed {
        return Err(unsupported());
    }
    content.try_into().map_err(|_| new_error(ErrorKind::InvalidEddsaKey))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn signer_factory(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    let seed = key_bytes(*algorithm, key.family(), key.as_bytes())?;
    Ok(Box::new(Ed25519Signer(SigningKey::from_bytes(seed))))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn verifier_factory(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let public = key_bytes(*algorithm, key.family(), key.try_get_as_bytes()?)?;
    let public = VerifyingKey::from_bytes(public).map_err(|_| new_error(ErrorKind::InvalidEddsaKey))?;
    Ok(Box::new(Ed25519Verifier(public)))
}

struct Ed25519Signer(SigningKey);

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let signature: Signature = self.0.try_sign(message)?;
        Ok(signature.to_bytes().to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Ed25519Verifier(VerifyingKey);

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        // The strict rule (no small-order keys) makes a signature bind one message and one key.
        self.0.verify_strict(message, &Signature::from_slice(signature)?)
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// RFC 8037 appendix A: the seed, the public key and the signature of its example token.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const MESSAGE: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const SIGNATURE: &str = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    fn bytes(text: &str) -> Vec<u8> {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn keys() -> (EncodingKey, DecodingKey) {
        (EncodingKey::from_ed_der(&bytes(SEED)), DecodingKey::from_ed_components(PUBLIC).unwrap())
    }

    #[test]
    fn the_example_of_rfc_8037_is_signed_and_verified_to_the_letter() {
        install();
        let (private, public) = keys();
        let signed = jsonwebtoken::crypto::sign(MESSAGE.as_bytes(), &private, Algorithm::EdDSA).unwrap();
        assert_eq!(signed, SIGNATURE);
        let good = |signature: &str, message: &str| {
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &public, Algorithm::EdDSA).unwrap()
        };
        assert!(good(SIGNATURE, MESSAGE));
        assert!(!good(SIGNATURE, &MESSAGE.replace("RXh", "RXi")), "a tampered message");
        assert!(!good(&SIGNATURE.replace("hgy", "hgz"), MESSAGE), "a tampered signature");
        assert!(!good(&SIGNATURE[..40], MESSAGE), "a signature cut short");
        assert!(!good("", MESSAGE), "no signature");
    }

    #[test]
    fn no_other_algorithm_and_no_other_key_is_served() {
        install();
        let (private, public) = keys();
        let secret = EncodingKey::from_secret(&bytes(PUBLIC)).unwrap();
        let as_secret = DecodingKey::from_secret(&bytes(PUBLIC)).unwrap();
        for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::PS512] {
            for key in [&private, &secret] {
                assert!(jsonwebtoken::crypto::sign(b"x", key, algorithm).is_err(), "{algorithm:?}");
            }
            for key in [&public, &as_secret] {
                assert!(jsonwebtoken::crypto::verify(SIGNATURE, b"x", key, algorithm).is_err(), "{algorithm:?}");
            }
        }
        assert!(jsonwebtoken::crypto::sign(b"x", &secret, Algorithm::EdDSA).is_err(), "a secret is no private key");
        assert!(jsonwebtoken::crypto::verify(SIGNATURE, b"x", &as_secret, Algorithm::EdDSA).is_err());
        let short = EncodingKey::from_ed_der(&[1; 31]);
        assert!(jsonwebtoken::crypto::sign(b"x", &short, Algorithm::EdDSA).is_err(), "31 bytes are no seed");
    }

    #[test]
    fn a_public_key_of_small_order_verifies_nothing() {
        install();
        // The neutral point as key and as `R`, and `S` = 0: RFC 8032's equation holds for each message.
        let mut neutral = [0_u8; 32];
        neutral[0] = 1;
        let mut signature = [0_u8; 64];
        signature[..32].copy_from_slice(&neutral);
        let verifier = Ed25519Verifier(VerifyingKey::from_bytes(&neutral).unwrap());
        assert!(verifier.0.verify(b"any", &Signature::from_bytes(&signature)).is_ok(), "the loose rule takes it");
        assert!(verifier.verify(b"any", &signature.to_vec()).is_err());
    }
}
