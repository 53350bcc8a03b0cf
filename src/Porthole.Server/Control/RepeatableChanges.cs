using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;
using Porthole.Server.Store;

namespace Porthole.Server.Control;

/// <summary>
/// Makes changes that a client may ask for twice without knowing: with the same token the second request changes nothing and is answered as
/// the first was. Each change is one transaction, so that of two at once one comes first.
/// </summary>
internal sealed class RepeatableChanges(PortholeStore store, TimeProvider time)
{
    // Longer than any client tries again; the model says nothing.
    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(24);

    /// <summary>Makes a change, unless it was made already.</summary>
    /// <param name="request">What asks for it.</param>
    /// <param name="token">Its token; null for a client that gives none.</param>
    /// <param name="meaning">The request as it was understood, without its token.</param>
    /// <param name="change">Makes the change and gives the answer.</param>
    /// <returns>The answer as JSON.</returns>
    /// <exception cref="AwsException">The token was used for another request, or the change is refused; nothing is changed then.</exception>
    public Task<JsonElement> ApplyAsync(ControlRequest request, string? token, object meaning, Func<StoreContext, Task<object>> change) =>
        store.ChangeAsync(async db =>
        {
            var fingerprint = request.Fingerprint(meaning);
            if (token is not null && await FindAsync(db, request.Operation, token) is { } known)
            {
                return known.RequestSha256 == fingerprint
                    ? JsonElement.Parse(known.Answer)
                    : throw new AwsException(AwsError.TokenMismatch("The clientToken was used for another request. Take a new one, or repeat that request as it was."));
            }

            var answer = JsonSerializer.SerializeToElement(await change(db), ControlJson.Options);
            if (token is not null)
                db.ClientTokens.Add(New(request.Operation, token, fingerprint, answer.GetRawText()));
            return answer;
        });

    private async Task<ClientToken?> FindAsync(StoreContext db, string operation, string token)
    {
        var oldest = time.GetUtcNow() - TokenLife;
        await db.ClientTokens.Where(known => known.CreatedAt < oldest).ExecuteDeleteAsync();
        return await db.ClientTokens.FirstOrDefaultAsync(known => known.Operation == operation && known.Token == token);
    }

    private ClientToken New(string operation, string token, string fingerprint, string answer) =>
        new() { Operation = operation, Token = token, RequestSha256 = fingerprint, Answer = answer, CreatedAt = time.GetUtcNow() };
}
